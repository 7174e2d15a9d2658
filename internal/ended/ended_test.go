package ended

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestErr(t *testing.T) {
	cause := errors.New("the user went home")
	plain, cancel := context.WithCancel(t.Context())
	if err := Err(plain); err != nil {
		t.Errorf("of a context that goes on: %v", err)
	}
	cancel()
	if err := Err(plain); err != context.Canceled {
		t.Errorf("without a cause: %v", err)
	}
	caused, give := context.WithCancelCause(t.Context())
	give(cause)
	if err := Err(caused); !errors.Is(err, context.Canceled) || !errors.Is(err, cause) || err.Error() != "context canceled: the user went home" {
		t.Errorf("with a cause: %v", err)
	}
	late, stop := context.WithDeadlineCause(t.Context(), time.Now(), cause)
	defer stop()
	<-late.Done()
	if err := Err(late); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, cause) {
		t.Errorf("after a deadline: %v", err)
	}
}
