package dataset

import (
	"context"
	"fmt"
)

// ended returns the error of a context that is done: context.Canceled or context.DeadlineExceeded, with the cause where one was
// given.
func ended(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if err == nil || cause == err {
		return err
	}
	return fmt.Errorf("%w: %w", err, cause)
}
