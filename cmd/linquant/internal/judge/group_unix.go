//go:build unix

package judge

import (
	"os/exec"
	"syscall"
)

// together makes what the command starts end with it.
func together(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
}
