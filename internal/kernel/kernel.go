// Package kernel is what tables of kernels are made of: a table a tier, which says what the tier computes with and what
// its kernels take. Code asks the table, never for the name of a tier; so a new tier is a new table.
package kernel

import (
	"sync/atomic"
	"unsafe"

	"linquant/internal/cpu"
)

// Func is a kernel in a table, of the function type F. The zero Func is one that the tier does not have.
type Func[F any] struct {
	f    F
	has  bool
	runs uint32 // while counting
}

// Of returns f as an entry of a table.
func Of[F any](f F) Func[F] { return Func[F]{f: f, has: true} }

// Has reports whether the tier has the kernel.
func (k *Func[F]) Has() bool { return k.has }

// Get returns the kernel to be called, the zero value where there is none.
//
// The compiler knows nothing of a function that comes from a table, and moves to the heap whatever is reached through
// its arguments. What must stay on the stack is passed through NoEscape.
func (k *Func[F]) Get() F {
	if counting {
		atomic.AddUint32(&k.runs, 1)
	}
	return k.f
}

// NoEscape returns p, hidden from the compiler's escape analysis: *p stays on the stack though p goes to a kernel. That
// is right only where the kernel keeps no pointer, and nothing on the heap comes to hold one: tests count allocations.
//
// It is a call, not inlined: what the compiler makes of the conversion in place is a number, which does not change when
// the stack moves. Nor may anything be called in it that could move the stack, as what checks pointers under the race detector
// did.
//
//go:noinline
//go:nocheckptr
//go:norace
func NoEscape[T any](p *T) *T {
	x := uintptr(unsafe.Pointer(p))
	return *(**T)(unsafe.Pointer(&x))
}

// Tables are tables K, one for each tier that has one of its own.
type Tables[K any] [cpu.Tiers]*K

// Of returns the table of a tier: its own, or that of the nearest tier that it is based on and that has one. The table
// of cpu.Generic must be there.
func (t *Tables[K]) Of(tier cpu.Tier) *K {
	for t[tier] == nil {
		tier = tier.Base()
	}
	return t[tier]
}
