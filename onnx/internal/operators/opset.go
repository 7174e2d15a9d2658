package operators

// An OpsetError says that the opset is too old for something that is to be written, and from which one on it can be.
type OpsetError struct {
	Text  string
	Needs int
}

func (e OpsetError) Error() string { return e.Text }
