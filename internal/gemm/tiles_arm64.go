//go:build !purego

package gemm

// panelWidth is the number of channels in every panel.
const panelWidth = 16

// readAhead is the number of bytes of weights that kernels read, and do not use, beyond the end of a panel.
const readAhead = 64
