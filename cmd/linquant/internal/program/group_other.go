//go:build !unix

package program

import "os/exec"

// Together makes what the command starts end with it, where the system knows groups of processes; here it does not.
func Together(*exec.Cmd) {}
