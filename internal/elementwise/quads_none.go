//go:build purego || !amd64

package elementwise

import "linquant/internal/cpu"

func hasQuads(cpu.Tier) bool { return false }

func (*Depthwise) newQuads(int, int) *quads { panic("unreachable") }

func (*Depthwise) codesOfQuads([]byte, []byte, *Windows) bool { return false }
