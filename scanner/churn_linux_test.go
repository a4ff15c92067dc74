package scanner

import (
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// roleChurn has children listen for an instant and end, one after the other,
// until the test ends it.
func roleChurn(r *role, _ []string) error {
	r.Say("ready")
	for {
		cmd := exec.Command("/proc/self/exe")
		cmd.Env = append(os.Environ(), envRole+"=flash")
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		if err := cmd.Run(); err != nil {
			return err
		}
	}
}

// roleFlash opens listeners one after the other, each before the last is closed,
// and ends with one open.
func roleFlash(*role, []string) error {
	last := -1
	for range 100 {
		fd, err := openSocket("tcp,127.0.0.1:0")
		if err != nil {
			return err
		}
		unix.Close(last)
		last = fd
	}
	return nil
}
