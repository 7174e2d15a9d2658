//go:build unix

package program

import (
	"os/exec"
	"syscall"
)

// Together makes what the command starts end with it.
func Together(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
}
