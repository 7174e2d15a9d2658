package checkpoint

import (
	"fmt"
	"strings"
)

// Group is the tensors of a file under one path of keys.
type Group struct {
	Root    string // for Choose
	Tensors int
	Bytes   int64 // of their elements
}

// Beside returns what of the file is not among Tensors, in groups: an optimizer's state, a moving average of the
// parameters, an accuracy. What belongs to a tensor's quantization is in none.
func (f *File) Beside() []Group {
	var groups []Group
	at := make(map[string]int)
	for _, t := range f.other {
		if f.Metadata["linquant.bits"] != "" {
			break // scales and zero points
		}
		root := groupOf(f.Root, t.Name)
		i, ok := at[root]
		if !ok {
			i = len(groups)
			at[root] = i
			groups = append(groups, Group{Root: root})
		}
		groups[i].Tensors++
		groups[i].Bytes += t.Bytes()
	}
	return groups
}

// groupOf returns the keys of a full name down to the first that is not on the way to root.
func groupOf(root, name string) string {
	path := ""
	for key := range strings.SplitSeq(name, ".") {
		path = join(path, key)
		if root != path && !strings.HasPrefix(root, path+".") {
			break
		}
	}
	return path
}

// Choose makes the tensors under root the ones that Tensors returns, without root in their names, and what was among them
// a part of Other: root is a path of keys such as "model_ema", one that Beside returns, or a tensor's own name; "." is all
// tensors of the file, and "" those that there are. It is an error, and nothing changes, if there are none. It must not run while the File is in use
// elsewhere.
func (f *File) Choose(root string) error {
	switch root {
	case "":
		return nil
	case ".":
		root = ""
	}
	all := make([]*Tensor, 0, len(f.tensors)+len(f.other))
	names := make([]string, 0, cap(all))
	for _, t := range f.tensors {
		all, names = append(all, t), append(names, join(f.Root, t.Name))
	}
	for _, t := range f.other {
		all, names = append(all, t), append(names, t.Name)
	}
	up := root
	var tensors, other []*Tensor
	short := make(map[*Tensor]string)
	for i, t := range all {
		name, found := names[i], root == ""
		if root != "" {
			if name, found = strings.CutPrefix(names[i], root+"."); names[i] == root {
				up = root[:max(strings.LastIndexByte(root, '.'), 0)] // the tensor itself
				name, found = strings.TrimPrefix(root[len(up):], "."), true
			}
		}
		if !found {
			other, short[t] = append(other, t), names[i]
			continue
		}
		tensors, short[t] = append(tensors, t), name
	}
	if len(tensors) == 0 {
		return f.noRoot(root, names)
	}
	byName := make(map[string]*Tensor, len(tensors))
	for _, t := range tensors {
		if byName[short[t]] != nil {
			return fmt.Errorf("%s: two tensors are named %s under %s", f.Path, quote(short[t]), quote(root))
		}
		byName[short[t]] = t
	}
	for t, name := range short {
		t.Name = name
	}
	f.tensors, f.other, f.byName, f.Root = tensors, other, byName, up
	return nil
}

// noRoot says which keys there are.
func (f *File) noRoot(root string, names []string) error {
	const most = 8
	var keys []string
	seen := make(map[string]bool)
	for _, name := range names {
		key, _, _ := strings.Cut(name, ".")
		if !seen[key] && len(keys) < most {
			seen[key] = true
			keys = append(keys, quote(key))
		}
	}
	return fmt.Errorf("%s: there are no tensors under %s; the file has %s", f.Path, quote(root), strings.Join(keys, ", "))
}
