package builtin

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"sync"
	"testing"
)

func open(t testing.TB, split string) *Set {
	t.Helper()
	s, err := Data(split)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func read(t testing.TB, s *Set, i int) ([]float32, int) {
	t.Helper()
	x := make([]float32, 3*size*size)
	label, err := s.Read(t.Context(), i, x)
	if err != nil {
		t.Fatal(err)
	}
	return x, label
}

// TestPixelsNeverChange compares with what amd64 drew when the network was trained. They must be the same on every
// processor, and for ever: the network has seen these.
func TestPixelsNeverChange(t *testing.T) {
	for split, want := range map[string]string{
		train: "8925b83f311359cf49a8e394083b3606dc1f75f2be48b9c8ffc8cf4aa31d84bd",
		test:  "bda97ee31f4899f221f825320ca65570790a6cac47f19d8c941dd41f8b6962e1",
	} {
		s := open(t, split)
		h := sha256.New()
		for i := range 200 {
			x, label := read(t, s, i*s.Len()/200)
			for _, v := range x {
				h.Write([]byte{byte(v)})
			}
			h.Write([]byte{byte(label)})
		}
		if got := hex.EncodeToString(h.Sum(nil)); got != want {
			t.Errorf("200 pictures of %s have the SHA-256 %s, not %s", split, got, want)
		}
	}
}

func TestValuesArePixels(t *testing.T) {
	s := open(t, test)
	low, high := float32(255), float32(0)
	for i := range 50 {
		x, _ := read(t, s, i)
		for j, v := range x {
			if v < 0 || v > 255 || v != float32(byte(v)) {
				t.Fatalf("value %d of picture %d is %v, no pixel", j, i, v)
			}
		}
		low, high = min(low, slices.Min(x)), max(high, slices.Max(x))
	}
	if low != 0 || high != 255 {
		t.Errorf("pixels are from %v to %v, and not from 0 to 255", low, high)
	}
}

func TestEveryTenHaveEachCharacter(t *testing.T) {
	for _, split := range []string{train, test} {
		s := open(t, split)
		orders := map[string]bool{}
		for i := 0; i < 500; i += 10 {
			var order []byte
			for j := range 10 {
				order = append(order, s.Classes()[s.label(i+j)][0])
			}
			orders[string(order)] = true
			if slices.Sort(order); string(order) != characters {
				t.Errorf("%s: pictures from %d on show %s", split, i, order)
			}
		}
		if len(orders) < 50 {
			t.Errorf("%s: only %d of 50 orders differ", split, len(orders))
		}
	}
}

func TestSplitsShareNoPicture(t *testing.T) {
	seen := map[[sha256.Size]byte]string{}
	for _, split := range []string{train, test} {
		s := open(t, split)
		for i := range 300 {
			x, _ := read(t, s, i)
			b := make([]byte, len(x))
			for j, v := range x {
				b[j] = byte(v)
			}
			if other, found := seen[sha256.Sum256(b)]; found {
				t.Errorf("picture %d of %s is one of %s too", i, split, other)
			}
			seen[sha256.Sum256(b)] = split
		}
	}
}

func TestReadsAreIndependent(t *testing.T) {
	s := open(t, train)
	want, _ := read(t, s, 77)
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			x := make([]float32, 3*size*size)
			for i := 90; i >= 77; i-- {
				if _, err := s.Read(t.Context(), i, x); err != nil {
					t.Error(err)
				}
			}
			if !slices.Equal(x, want) {
				t.Error("picture 77 depends on those read before it, or at the same time")
			}
		})
	}
	wait.Wait()
}

func TestRefusals(t *testing.T) {
	s := open(t, test)
	if _, err := Data("val"); err == nil {
		t.Error("there is a split val")
	}
	for _, i := range []int{-1, s.Len()} {
		if _, err := s.Read(t.Context(), i, make([]float32, 3*size*size)); err == nil {
			t.Errorf("there is a picture %d", i)
		}
	}
	if _, err := s.Read(t.Context(), 0, make([]float32, 10)); err == nil {
		t.Error("a picture fits 10 values")
	}
}

func BenchmarkRead(b *testing.B) {
	s := open(b, test)
	x := make([]float32, 3*size*size)
	for i := 0; b.Loop(); i = (i + 1) % s.Len() {
		if _, err := s.Read(b.Context(), i, x); err != nil {
			b.Fatal(err)
		}
	}
}
