// Package arith is the arithmetic of reals that the reference evaluator and the engine share: functions, sums and rows
// with the same bits on every processor. It imports nothing of the module.
package arith
