// Package looks has a context that ends after so many looks at it, so that a test can see how often work looks.
package looks

import "context"

// After returns a context that ends when Err was asked for n times.
func After(ctx context.Context, n int) *Context { return &Context{ctx, n} }

// Context is what After returns.
type Context struct {
	context.Context
	Left int // looks
}

// Err returns nil while there are looks left, and then context.Canceled.
func (c *Context) Err() error {
	if c.Left--; c.Left < 0 {
		return context.Canceled
	}
	return nil
}
