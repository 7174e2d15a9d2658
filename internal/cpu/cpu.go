// Package cpu says which of the instruction sets that linquant has kernels for this processor offers. They are
// ordered into tiers; a kernel is chosen by tier when weights are packed, and every tier gives the same bits.
//
// The build tag purego leaves Generic alone.
package cpu

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
)

// Tier is a set of instructions that a family of kernels needs.
type Tier uint8

// The tiers. Those of one architecture are in order: a later one has all that an earlier one has, except that
// AVX512VNNI does not imply AVXVNNI.
const (
	Generic    Tier = iota // plain Go, every processor
	AVX2                   // amd64: AVX2, FMA and F16C (Haswell 2013, Zen 2017)
	AVXVNNI                // amd64: AVX2 and VPDPBUSD on 256 bits (Alder Lake 2021, Zen 5)
	AVX512VNNI             // amd64: AVX-512 F, BW, DQ, VL and VNNI (Ice Lake 2019, Zen 4)
	AMX                    // amd64: AVX512VNNI and AMX tiles of int8, granted by the operating system (Sapphire Rapids 2023)
	NEON                   // arm64: every processor
	DotProd                // arm64: SDOT and UDOT (ARMv8.2 on)
	I8MM                   // arm64: SMMLA and USMMLA (ARMv8.6)

	Tiers = iota // how many there are
)

// Variable is the environment variable that FromEnv reads.
const Variable = "LINQUANT_CPU"

// tierRow says of a tier what LINQUANT_CPU calls it, which tier's kernels serve where it has none of its own, and how
// many float32 are in a vector of its kernels.
type tierRow struct {
	name  string
	base  Tier
	lanes int
}

var tiers = [Tiers]tierRow{
	Generic:    {"generic", Generic, 1},
	AVX2:       {"avx2", Generic, 8},
	AVXVNNI:    {"avxvnni", AVX2, 8},
	AVX512VNNI: {"avx512vnni", AVX2, 16},
	AMX:        {"amx", AVX512VNNI, 16},
	NEON:       {"neon", Generic, 4},
	DotProd:    {"dotprod", NEON, 4},
	I8MM:       {"i8mm", DotProd, 4},
}

// String returns the name that LINQUANT_CPU takes.
func (t Tier) String() string {
	if t < Tiers {
		return tiers[t].name
	}
	return fmt.Sprintf("Tier(%d)", uint8(t))
}

// Base returns the tier whose kernels serve this one where it has none of its own, in the end Generic.
func (t Tier) Base() Tier { return tiers[t].base }

// Lanes returns the number of float32 in a vector of the tier's kernels: 1 where there are no vectors.
func (t Tier) Lanes() int { return tiers[t].lanes }

// available asks the processor once.
var available = sync.OnceValue(func() []Tier { return append([]Tier{Generic}, detect()...) })

// Available returns the tiers of this processor, Generic first, the most capable last.
func Available() []Tier { return slices.Clone(available()) }

// Has reports whether this processor has the tier.
func Has(t Tier) bool { return slices.Contains(available(), t) }

// Best returns the most capable tier of this processor.
func Best() Tier { return available()[len(available())-1] }

// Parse returns the tier of that name. A name that is none, or a tier that this processor lacks, is an error that
// lists those it has.
func Parse(name string) (Tier, error) {
	i := slices.IndexFunc(tiers[:], func(t tierRow) bool { return t.name == name })
	if i >= 0 && Has(Tier(i)) {
		return Tier(i), nil
	}
	has := make([]string, 0, Tiers)
	for _, t := range available() {
		has = append(has, t.String())
	}
	problem := "is no tier of instructions"
	if i >= 0 {
		problem = "is not what this processor has"
	}
	return Generic, fmt.Errorf("%q %s: use one of %s", name, problem, strings.Join(has, ", "))
}

// FromEnv returns the tier that LINQUANT_CPU names, or Best where it is unset or empty. Errors are those of Parse.
func FromEnv() (Tier, error) {
	name := os.Getenv(Variable)
	if name == "" {
		return Best(), nil
	}
	t, err := Parse(name)
	if err != nil {
		return t, fmt.Errorf("%s: %w", Variable, err)
	}
	return t, nil
}
