package checkpoint

import "linquant/internal/pickle"

const (
	maxName      = 4 << 10  // bytes of a tensor's name
	maxNameBytes = 16 << 20 // bytes of all names, which shared prefixes could otherwise multiply
)

// trail is the keys on the way to a value, nil at the top. The name is spelled out only where there is a tensor, since
// most values hold none and the parts may be long.
type trail struct {
	up  *trail
	key pickle.Value
}

func (t *trail) String() string {
	if t == nil {
		return ""
	}
	return join(t.up.String(), keyName(t.key))
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	// A name that is too long is refused where a tensor has it; here it must only not grow further.
	if len(path) > maxName {
		return path
	}
	return path + "." + key[:min(len(key), maxName)]
}

// keyName returns the key of a dict as a part of a tensor's name.
func keyName(key pickle.Value) string {
	if s, ok := plain(key); ok {
		return s
	}
	if t, ok := key.(*pickle.Tuple); ok && len(t.Items) > 0 { // as JAX flattens a tree
		var path string
		for _, item := range t.Items[:min(len(t.Items), maxNesting)] {
			if _, nested := item.(*pickle.Tuple); nested {
				return "?"
			}
			path = join(path, keyName(item))
		}
		return path
	}
	return "?"
}
