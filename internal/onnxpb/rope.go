package onnxpb

import (
	"io"

	"google.golang.org/protobuf/encoding/protowire"
)

// rope is an encoded message in pieces, so that a message can be put into another, and tensors into messages, without
// being copied: protocol buffers have the length of a message before it.
type rope struct {
	pieces [][]byte
	tail   []byte // what is appended to; comes after pieces
	size   int64  // of pieces
}

func (r *rope) len() int64 { return r.size + int64(len(r.tail)) }

// view appends b, which the rope keeps.
func (r *rope) view(b []byte) {
	if len(r.tail) > 0 {
		r.pieces, r.size = append(r.pieces, r.tail), r.size+int64(len(r.tail))
		r.tail = nil
	}
	r.pieces, r.size = append(r.pieces, b), r.size+int64(len(b))
}

// The methods below append a field. As in proto3, text and numbers that have their default are left out, but for
// elements of repeated fields.

func (r *rope) integer(num protowire.Number, v int64) {
	if v != 0 {
		r.element(num, v)
	}
}

func (r *rope) element(num protowire.Number, v int64) {
	r.tail = protowire.AppendTag(r.tail, num, protowire.VarintType)
	r.tail = protowire.AppendVarint(r.tail, uint64(v))
}

func (r *rope) text(num protowire.Number, s string) {
	if s != "" {
		r.string(num, s)
	}
}

func (r *rope) string(num protowire.Number, s string) {
	r.tail = protowire.AppendTag(r.tail, num, protowire.BytesType)
	r.tail = protowire.AppendString(r.tail, s)
}

func (r *rope) fixed32(num protowire.Number, v uint32) {
	r.tail = protowire.AppendTag(r.tail, num, protowire.Fixed32Type)
	r.tail = protowire.AppendFixed32(r.tail, v)
}

func (r *rope) bytes(num protowire.Number, b []byte) {
	const small = 256 // a piece of its own costs more than a copy
	r.tail = protowire.AppendTag(r.tail, num, protowire.BytesType)
	r.tail = protowire.AppendVarint(r.tail, uint64(len(b)))
	if len(b) <= small {
		r.tail = append(r.tail, b...)
		return
	}
	r.view(b)
}

func (r *rope) message(num protowire.Number, m rope) {
	r.tail = protowire.AppendTag(r.tail, num, protowire.BytesType)
	r.tail = protowire.AppendVarint(r.tail, uint64(m.len()))
	for _, p := range m.pieces {
		r.view(p)
	}
	r.tail = append(r.tail, m.tail...)
}

func (r *rope) writeTo(w io.Writer) error {
	for _, p := range append(r.pieces, r.tail) {
		if _, err := w.Write(p); err != nil {
			return err
		}
	}
	return nil
}
