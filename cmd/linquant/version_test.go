package main

import (
	"runtime/debug"
	"testing"
)

func TestDescribeCommit(t *testing.T) {
	setting := func(key, value string) debug.BuildSetting { return debug.BuildSetting{Key: key, Value: value} }
	revision, when := setting("vcs.revision", "0c8e2463900b"), setting("vcs.time", "2026-11-29T23:18:42Z")
	for _, test := range []struct {
		settings []debug.BuildSetting
		want     string
	}{
		{nil, "commit unknown: built outside a clone, or with -buildvcs=false"},
		{[]debug.BuildSetting{revision, when, setting("vcs.modified", "false")}, "commit 0c8e2463900b of 2026-11-29T23:18:42Z"},
		{
			[]debug.BuildSetting{revision, when, setting("vcs.modified", "true")},
			"commit 0c8e2463900b of 2026-11-29T23:18:42Z, with changes that are not committed",
		},
	} {
		if got := describeCommit(test.settings); got != test.want {
			t.Errorf("describeCommit(%v) = %q, want %q", test.settings, got, test.want)
		}
	}
}
