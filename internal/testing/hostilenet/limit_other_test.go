//go:build !linux

package hostilenet_test

func limitSelf() {}
