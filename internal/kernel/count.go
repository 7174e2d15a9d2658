package kernel

import (
	"fmt"
	"reflect"
	"sync/atomic"
	"unsafe"
)

// counting is set by Count, before anything runs.
var counting bool

// Count has every Func count from now on how often it was asked for. It is for tests, before they start.
func Count() { counting = true }

// Unused returns the names of the kernels that are in a table, a pointer to a struct, and did not run since Count. What
// a table refers to by a pointer is not looked at.
func Unused(table any) []string { return unused(reflect.ValueOf(table).Elem(), "") }

// used is what every Func can say.
type used interface{ unused() bool }

func (k *Func[F]) unused() bool { return k.has && atomic.LoadUint32(&k.runs) == 0 }

func unused(v reflect.Value, name string) (names []string) {
	at := reflect.NewAt(v.Type(), unsafe.Pointer(v.UnsafeAddr())) // of a field that is not exported too
	if k, ok := at.Interface().(used); ok {
		if k.unused() {
			names = append(names, name)
		}
		return names
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			names = append(names, unused(v.Field(i), name+"."+v.Type().Field(i).Name)...)
		}
	case reflect.Array, reflect.Slice:
		for i := range v.Len() {
			names = append(names, unused(v.Index(i), fmt.Sprintf("%s[%d]", name, i))...)
		}
	}
	return names
}
