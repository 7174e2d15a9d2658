//go:build !purego

package cpu

import "syscall"

// amxGranted asks Linux for the use of AMX's tile registers. CPUID says only what the processor has: until the process
// has asked, the first tile instruction is a fault, and kernels before 5.16, some containers and emulators refuse.
func amxGranted() bool {
	const (
		requestPermission = 0x1023 // ARCH_REQ_XCOMP_PERM
		tileData          = 18     // XFEATURE_XTILEDATA
	)
	_, _, errno := syscall.RawSyscall(syscall.SYS_ARCH_PRCTL, requestPermission, tileData, 0)
	return errno == 0
}
