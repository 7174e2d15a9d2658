package dataset_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"linquant/dataset"
)

// Who cancels and says why reads both: that it was cancelled, and why.
func TestCancelledWithACause(t *testing.T) {
	why := errors.New("the client went away")
	ctx, cancel := context.WithCancelCause(t.Context())
	set, err := dataset.Open(ctx, "builtin", dataset.Test)
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	cancel(why)
	for _, err := range dataset.Each(ctx, set, 4) {
		if !errors.Is(err, context.Canceled) || !errors.Is(err, why) || !strings.Contains(err.Error(), why.Error()) {
			t.Fatalf("error %v", err)
		}
		return
	}
	t.Error("nothing came")
}
