package plugin

import "iter"

// ListEnd is one end of a list.
type ListEnd uint8

// List ends.
const (
	Head ListEnd = iota
	Tail
)

// ListValue is the part of KeyImpl for list values.
type ListValue interface {
	Push(end ListEnd, s String) error
	Pop(end ListEnd) (String, error)
	LGet(i int) (String, error)
	LSet(i int, s String) error
	LInsert(i int, s String) error
	LDelete(i int) error

	// LSeek starts an iteration before the first element, or after the last one when back is set. It ends the one
	// that is running.
	LSeek(back bool) error
	// LNext moves on and sets Key.Cursor; false at the end, and after a write through the key.
	LNext() bool
	// LStop ends the iteration, if one is running.
	LStop()
}

// Push adds an element at one end of a list, and creates the list when the key is empty.
//
// Errors: ErrNotWritable; ErrType; ErrInvalid for a missing String or an unknown end.
func (k *Key) Push(end ListEnd, s String) error {
	if k == nil {
		return ErrNotWritable
	}
	return k.Impl.Push(end, s)
}

// Pop takes an element off one end of a list. The String may be kept.
//
// Errors: ErrNotWritable; ErrEmptyKey; ErrType; ErrInvalid for an unknown end.
func (k *Key) Pop(end ListEnd) (String, error) {
	if k == nil {
		return String{}, ErrNotWritable
	}
	return k.Impl.Pop(end)
}

// LGet returns the element at index i; negative indexes count from the tail, -1 being the last element. The String may
// be kept. Walking a list by index costs O(1) per step.
//
// Errors: ErrEmptyKey; ErrType; ErrIndex.
func (k *Key) LGet(i int) (String, error) {
	if k == nil {
		return String{}, ErrEmptyKey
	}
	return k.Impl.LGet(i)
}

// LSet replaces the element at index i, counted as by LGet.
//
// Errors: ErrNotWritable; ErrEmptyKey; ErrType; ErrIndex; ErrInvalid for a missing String.
func (k *Key) LSet(i int, s String) error {
	if k == nil {
		return ErrNotWritable
	}
	return k.Impl.LSet(i, s)
}

// LInsert inserts an element so that it is at index i afterwards: 0 is before the first element, Len() and -1 are
// after the last. 0 and -1 create a list when the key is empty.
//
// Errors: ErrNotWritable; ErrType; ErrIndex; ErrInvalid for a missing String.
func (k *Key) LInsert(i int, s String) error {
	if k == nil {
		return ErrNotWritable
	}
	return k.Impl.LInsert(i, s)
}

// LDelete removes the element at index i, counted as by LGet.
//
// Errors: ErrNotWritable; ErrEmptyKey; ErrType; ErrIndex.
func (k *Key) LDelete(i int) error {
	if k == nil {
		return ErrNotWritable
	}
	return k.Impl.LDelete(i)
}

// LAll iterates over a list from head to tail: index and element, which is valid until the next step. An empty key and
// every other type have no elements. A key has one iteration at a time; a write through the key ends it.
func (k *Key) LAll() iter.Seq2[int, String] {
	return func(yield func(int, String) bool) { k.walk(false, yield) }
}

// LBackward is LAll from tail to head; the indexes fall to 0.
func (k *Key) LBackward() iter.Seq2[int, String] {
	return func(yield func(int, String) bool) { k.walk(true, yield) }
}

func (k *Key) walk(back bool, yield func(int, String) bool) {
	if k == nil || k.Impl.LSeek(back) != nil {
		return
	}
	defer k.Impl.LStop()
	for k.Impl.LNext() {
		if !yield(k.Cursor.Index, k.Cursor.Elem) {
			return
		}
	}
}
