//go:build !linux

package hostilenet_test

func processorTime() float64 { return 0 }

func peak() int64 { return 0 }

func limitSelf() {}
