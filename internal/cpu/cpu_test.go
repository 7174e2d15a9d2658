package cpu_test

import (
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"linquant/internal/cpu"
)

func TestAvailable(t *testing.T) {
	tiers := cpu.Available()
	t.Logf("this processor has %v", tiers)
	if tiers[0] != cpu.Generic || !slices.IsSorted(tiers) {
		t.Errorf("Available() is %v, want generic first and in order", tiers)
	}
	if cpu.Best() != tiers[len(tiers)-1] {
		t.Errorf("Best() is %v, not the last of %v", cpu.Best(), tiers)
	}
	amd64 := []cpu.Tier{cpu.AVX2, cpu.AVXVNNI, cpu.AVX512VNNI, cpu.AMX}
	arm64 := []cpu.Tier{cpu.NEON, cpu.DotProd, cpu.I8MM}
	for _, tier := range append(amd64, arm64...) {
		if cpu.Has(tier) && !(runtime.GOARCH == "amd64" && slices.Contains(amd64, tier)) &&
			!(runtime.GOARCH == "arm64" && slices.Contains(arm64, tier)) {
			t.Errorf("%v on %s", tier, runtime.GOARCH)
		}
	}
	tiers[0] = cpu.AMX
	if cpu.Available()[0] != cpu.Generic {
		t.Error("changing what Available returned changed what it returns")
	}
}

// Linux's own list of flags is the second opinion.
func TestAgreesWithLinux(t *testing.T) {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil || runtime.GOARCH != "amd64" || len(cpu.Available()) == 1 {
		t.Skip("no list of flags to compare with")
	}
	flags := strings.Fields(string(info))
	for tier, needs := range map[cpu.Tier][]string{
		cpu.AVX2:       {"avx2", "fma", "f16c"},
		cpu.AVXVNNI:    {"avx2", "fma", "f16c", "avx_vnni"},
		cpu.AVX512VNNI: {"avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512_vnni"},
	} {
		want := true
		for _, flag := range needs {
			want = want && slices.Contains(flags, flag)
		}
		if cpu.Has(tier) != want {
			t.Errorf("Has(%v) is %v, but /proc/cpuinfo says %v", tier, !want, want)
		}
	}
}

func TestFromEnv(t *testing.T) {
	missing := cpu.I8MM
	if runtime.GOARCH == "arm64" {
		missing = cpu.AMX
	}
	for _, tc := range []struct {
		value, problem string
		want           cpu.Tier
	}{
		{"", "", cpu.Best()},
		{"generic", "", cpu.Generic},
		{cpu.Best().String(), "", cpu.Best()},
		{missing.String(), "is not what this processor has: use one of generic", 0},
		{"sse9", `LINQUANT_CPU: "sse9" is no tier of instructions: use one of generic`, 0},
		{"AVX2", "is no tier of instructions", 0},
	} {
		t.Setenv(cpu.Variable, tc.value)
		got, err := cpu.FromEnv()
		if tc.problem == "" && (err != nil || got != tc.want) {
			t.Errorf("%q: %v, %v, want %v", tc.value, got, err, tc.want)
		}
		if tc.problem != "" && (err == nil || !strings.Contains(err.Error(), tc.problem)) {
			t.Errorf("%q: error %v, want one with %q", tc.value, err, tc.problem)
		}
	}
}

func TestString(t *testing.T) {
	if got := cpu.Tier(99).String(); got != "Tier(99)" {
		t.Error(got)
	}
	for _, tier := range cpu.Available() {
		if got, err := cpu.Parse(tier.String()); got != tier || err != nil {
			t.Errorf("Parse(%q) is %v, %v", tier.String(), got, err)
		}
	}
}

// A tier is based on one before it, in the end on plain Go, and has no fewer lanes.
func TestBase(t *testing.T) {
	for tier := cpu.AVX2; tier < cpu.Tiers; tier++ {
		if base := tier.Base(); base >= tier || base.Lanes() > tier.Lanes() || tier.String() == "" {
			t.Errorf("%v with %d lanes is based on %v with %d", tier, tier.Lanes(), base, base.Lanes())
		}
	}
	if cpu.Generic.Base() != cpu.Generic || cpu.Generic.Lanes() != 1 {
		t.Error("plain Go is based on something")
	}
}
