//go:build !linux

package load

import (
	"context"
	"errors"
)

// A Load is a scenario that is running.
type Load struct {
	// Counts are what was counted in its namespaces.
	Counts Counts
}

var errLinux = errors.New("the load is made of Linux namespaces: there are none on this system")

// ErrRoot means that a load was asked for without the privilege to make one.
var ErrRoot = errors.New("a load needs root")

// IsInit reports whether this process is process 1 of a load: never, here.
func IsInit() bool { return false }

// Init is process 1 of a load, which this system has not.
func Init() int { return 1 }

// Start always fails: a load needs Linux.
func Start(context.Context, Scenario) (*Load, error) { return nil, errLinux }

// Run always fails: a load needs Linux.
func (l *Load) Run(context.Context, Command) (Result, error) { return Result{}, errLinux }

// Stop has nothing to end.
func (l *Load) Stop() error { return nil }
