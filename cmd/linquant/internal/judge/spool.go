package judge

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"linquant/checkpoint"
	"linquant/pipeline"
	"linquant/tensor"
)

// spool keeps the answers to all examples in files, since they may be more than memory holds.
type spool struct {
	examples int
	sides    [2][]*spooled // the outputs of each network
	others   [2]*spooled   // labels, examples
}

// spooled is an array that grows in a file.
type spooled struct {
	name  string
	dtype tensor.DType
	shape tensor.Shape // of one example
	file  *os.File
	w     *bufio.Writer
}

// newSpool returns a spool for answers like those given.
func newSpool(dir string, a pipeline.Answers) (*spool, error) {
	s := &spool{}
	make := func(name string, dtype tensor.DType, shape tensor.Shape, file string) (*spooled, error) {
		f, err := os.Create(filepath.Join(dir, file))
		if err != nil {
			return nil, err
		}
		return &spooled{name, dtype, shape, f, bufio.NewWriterSize(f, 1<<16)}, nil
	}
	for side, outputs := range [][]tensor.Tensor{a.Network, a.Reference} {
		for i, t := range outputs {
			name := "output" + strconv.Itoa(i)
			one, err := make(name, t.DType, t.Shape[1:], fmt.Sprintf("%s.%d", name, side))
			if err != nil {
				return nil, errors.Join(err, s.close())
			}
			s.sides[side] = append(s.sides[side], one)
		}
	}
	for i, name := range []string{"labels", "examples"} {
		one, err := make(name, tensor.Int64, nil, name)
		if err != nil {
			return nil, errors.Join(err, s.close())
		}
		s.others[i] = one
	}
	return s, nil
}

// add appends answers.
func (s *spool) add(a pipeline.Answers) error {
	s.examples += len(a.Examples)
	for side, outputs := range [][]tensor.Tensor{a.Network, a.Reference} {
		for i, t := range outputs {
			if _, err := s.sides[side][i].w.Write(t.Data); err != nil {
				return err
			}
		}
	}
	for i, x := range [][]int{a.Labels, a.Examples} {
		t, err := integers(x)
		if err != nil {
			return err
		}
		if _, err := s.others[i].w.Write(t.Data); err != nil {
			return err
		}
	}
	return nil
}

// outputs returns the arrays of both networks.
func (s *spool) outputs() (network, reference []checkpoint.Output, err error) {
	var lists [2][]checkpoint.Output
	for side := range s.sides {
		for _, one := range append(append([]*spooled(nil), s.sides[side]...), s.others[:]...) {
			if err := one.w.Flush(); err != nil {
				return nil, nil, err
			}
			lists[side] = append(lists[side], checkpoint.Output{
				Name: one.name, DType: one.dtype, Shape: append(tensor.Shape{s.examples}, one.shape...),
				Write: func(w io.Writer) error {
					if _, err := one.file.Seek(0, io.SeekStart); err != nil {
						return err
					}
					_, err := io.Copy(w, one.file)
					return err
				},
			})
		}
	}
	return lists[0], lists[1], nil
}

// close closes the files.
func (s *spool) close() error {
	if s == nil {
		return nil
	}
	var errs []error
	for _, list := range [][]*spooled{s.sides[0], s.sides[1], s.others[:]} {
		for _, one := range list {
			if one != nil {
				errs = append(errs, one.file.Close())
			}
		}
	}
	return errors.Join(errs...)
}
