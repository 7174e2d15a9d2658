package hostile

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

// Used returns the processor time that this process has taken, 0 where the system does not say.
func Used() time.Duration { return usage(syscall.RUSAGE_SELF) }

const thread = 1 // RUSAGE_THREAD, which package syscall lacks

func usage(who int) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(who, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Peak returns the most memory that this process had at once, in bytes, 0 where the system does not say. Rusage would
// count that of the process which started it.
func Peak() (bytes int64) {
	status, _ := os.ReadFile("/proc/self/status")
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	_, _ = fmt.Sscan(after, &bytes)
	return bytes << 10
}
