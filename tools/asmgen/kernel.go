package main

import (
	"go/token"
	"go/types"
	"regexp"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/gotypes"
	"github.com/mmcloughlin/avo/ir"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// The number of floats in a register of a tier.
const (
	avx2   = 8
	avx512 = 16
)

// A kernel writes the functions of one assembly file. Its methods are avo's, one for each instruction, and those below.
type kernel struct {
	*build.Context
	lanes     int // floats in a register: avx2 or avx512
	signature *gotypes.Signature
	headers   []string // that the file includes
	mask      Register // the elements that exist, or nil where all of a vector do
}

var registers = [...]VecPhysical{
	Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z8, Z9, Z10, Z11, Z12, Z13, Z14, Z15,
	Z16, Z17, Z18, Z19, Z20, Z21, Z22, Z23, Z24, Z25, Z26, Z27, Z28, Z29, Z30, Z31,
}

// v is vector register i in the width of the tier, x the lowest 128 bits of it, y the lowest 256.
func (k *kernel) v(i int) Register {
	if k.lanes == avx2 {
		return registers[i].AsY()
	}
	return registers[i]
}

func x(i int) Register { return registers[i].AsX() }
func y(i int) Register { return registers[i].AsY() }

// vs are n vector registers from i on.
func (k *kernel) vs(i, n int) []Register {
	regs := make([]Register, n)
	for j := range regs {
		regs[j] = k.v(i + j)
	}
	return regs
}

// suffix is how the names of the tier's functions end.
func (k *kernel) suffix() string {
	if k.lanes == avx2 {
		return "AVX2"
	}
	return "AVX512"
}

var named = regexp.MustCompile(`\*([A-Za-z]\w*)`)

// function begins a function with this many bytes of local variables. Types of the package are opaque.
func (k *kernel) function(name, signature string, locals int) {
	pkg := types.NewPackage("", "")
	for _, m := range named.FindAllStringSubmatch(signature, -1) {
		if name := m[1]; types.Universe.Lookup(name) == nil && pkg.Scope().Lookup(name) == nil {
			t := types.NewTypeName(token.NoPos, pkg, name, nil)
			types.NewNamed(t, types.NewStruct(nil, nil), nil)
			pkg.Scope().Insert(t)
		}
	}
	sig, err := gotypes.ParseSignatureInPackage(pkg, "func"+signature)
	if err != nil {
		panic(name + ": " + err.Error())
	}
	k.signature, k.mask = sig, nil
	k.Function(name)
	k.Attributes(attr.NOSPLIT)
	k.Signature(sig)
	if locals > 0 {
		k.AllocLocal(locals)
	}
}

// param is where a parameter or a result lies.
func (k *kernel) param(name string) Mem {
	c := k.signature.Params().Lookup(name)
	if _, err := c.Resolve(); err != nil {
		c = k.signature.Results().Lookup(name)
	}
	basic, err := c.Resolve()
	if err != nil {
		panic(err)
	}
	return basic.Addr
}

// params loads parameters of 64 bits, from the first on; those with no register are left out.
func (k *kernel) params(regs ...Register) {
	for i, r := range regs {
		if r != nil {
			k.Load(k.ParamIndex(i), r)
		}
	}
}

// at is memory offset bytes behind a register.
func at(base Register, offset int) Mem { return Mem{Base: base, Disp: offset} }

// n is a constant. Avo asks for the width that an instruction has: 8 or 32 bits.
func n(value int) Constant {
	switch {
	case value < 0:
		return I32(value)
	case value < 256:
		return U8(value)
	default:
		return U32(value)
	}
}

// field is a field of the structure of the package that a register points at, by its name in go_asm.h.
func field(name string, base Register) Mem { return Mem{Symbol: Symbol{Name: name}, Base: base} }

// local is a variable on the stack, end bytes below what the function was called with.
func local(name string, end int) Mem {
	return Mem{Symbol: Symbol{Name: name}, Disp: -end, Base: StackPointer}
}

// symbol is an address or a constant that the assembler knows, such as $name__size. To avo all such names are labels.
func symbol(name string) Op { return LabelRef(name) }

// emit writes an instruction that avo has no form of.
func (k *kernel) emit(opcode string, operands ...Op) {
	k.Instruction(&ir.Instruction{Opcode: opcode, Operands: operands})
}

// loop begins an inner loop, at a cache line of its own: how long it takes depends on where in a line it begins, by up to
// a tenth, and without that any change of another package moves it.
func (k *kernel) loop(name string) {
	k.emit("PCALIGN", symbol("$64"))
	k.Label(name)
}

// include makes the file include a header, with macros to emit.
func (k *kernel) include(header string) { k.headers = append(k.headers, header) }

// end returns from the function.
func (k *kernel) end() {
	k.VZEROUPPER()
	k.RET()
}

// and, xor and zero have other names in AVX-512.
func (k *kernel) and(a, b, c Op) {
	if k.lanes == avx2 {
		k.VPAND(a, b, c)
	} else {
		k.VPANDD(a, b, c)
	}
}

func (k *kernel) xor(a, b, c Op) {
	if k.lanes == avx2 {
		k.VPXOR(a, b, c)
	} else {
		k.VPXORD(a, b, c)
	}
}

func (k *kernel) zero(regs ...Register) {
	for _, r := range regs {
		k.xor(r, r, r)
	}
}
