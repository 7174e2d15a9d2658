//go:build race || purego

package hostile

const slow = true
