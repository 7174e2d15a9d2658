//go:build purego || !amd64

package gemm

// No processor has AMX, and none of what follows is reached.

type (
	amxPanels struct{}
	amxSums   struct {
		stage        *Stage
		codes        []byte
		sums, bias   []int32
		ldd          int
		width, pitch int
	}
)

func packAMX([]int8, int, Runs) *amxPanels           { panic("unreachable") }
func (*amxPanels) mul(*amxSums, []byte, int, int)    { panic("unreachable") }
func (*Int8) mulAMX(*amxSums, []byte, int, int) bool { panic("unreachable") }
