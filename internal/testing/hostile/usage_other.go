//go:build !linux

package hostile

import "time"

const thread = 0

func Used() time.Duration { return 0 }

func usage(int) time.Duration { return 0 }

func Peak() int64 { return 0 }
