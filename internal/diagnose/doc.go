// Package diagnose finds where another runtime's integers leave ours, and why.
//
// It is given a quantized network and the integers that another runtime made of it, value by value. Every layer is
// computed from the other runtime's own inputs to that layer, so that what differs in one is not inherited by the next;
// the first layer that differs is then computed again under each of the deviations that are in use (Causes lists them),
// and the ones that give the other runtime's integers exactly are the likely causes.
//
// Here all layers are computed by plain loops with the deviations for parameters (rules). Without any they give what
// graph.Eval does, which is the definition; tests hold them to it.
package diagnose
