package scanner

import (
	"os"
	"testing"

	"github.com/whatslistening/whatslistening/internal/netnstest"
)

// The harness, by the names that it goes by in this package.
type (
	role = netnstest.Role
	proc = netnstest.Proc
	row  = netnstest.Row
)

const envRole = netnstest.EnvRole

var (
	inNetns    = netnstest.In
	inHostPIDs = netnstest.InHostPIDs
	spawn      = netnstest.Spawn
	spawnCmd   = netnstest.SpawnCmd
	self       = netnstest.Self
	listen     = netnstest.Listen
	openSocket = netnstest.Open
	sockaddr   = netnstest.Sockaddr
	until      = netnstest.Until
	ssRows     = netnstest.SS
)

// roles are what a process can do beside the roles of the harness. Other files
// add theirs.
var roles = map[string]func(r *role, args []string) error{
	"churn": roleChurn,
	"flash": roleFlash,
}

func TestMain(m *testing.M) {
	netnstest.Start(roles)
	os.Exit(m.Run())
}

// rowsOf are the rows of a scan, as ss would have them.
func rowsOf(socks []Socket) []row {
	var rows []row
	for i := range socks {
		s := &socks[i]
		rows = append(rows, netnstest.RowOf(s.Protocol.String(), s.Addr, s.Device, s.Port, s.V6Only, pidsOf(*s)))
	}
	netnstest.SortRows(rows)
	return rows
}
