// Package ended is the error of work that its context ended.
package ended

import (
	"context"
	"fmt"
)

// Err returns nil while ctx is not done, and then context.Canceled or context.DeadlineExceeded, with the cause where one was
// given: errors.Is finds both.
func Err(ctx context.Context) error {
	err := ctx.Err()
	if err == nil {
		return nil
	}
	if cause := context.Cause(ctx); cause != err {
		return fmt.Errorf("%w: %w", err, cause)
	}
	return err
}
