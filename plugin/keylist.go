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

// LAll iterates over a list from head to tail: index and element, which is valid until the next step. An empty key has no
// elements, and neither has a key of another type. See IterErr for iterations that end early.
func (k *Key) LAll() iter.Seq2[int, String] {
	return func(yield func(int, String) bool) { k.elements(false, yield) }
}

// LBackward is LAll from tail to head; the indexes fall to 0.
func (k *Key) LBackward() iter.Seq2[int, String] {
	return func(yield func(int, String) bool) { k.elements(true, yield) }
}

func (k *Key) elements(back bool, yield func(int, String) bool) {
	run, ok := k.seek(KeyList, back)
	if !ok {
		return
	}
	defer k.stop(run)
	for k.next(run) {
		if !yield(k.Cursor.Index, k.Cursor.Elem) {
			return
		}
	}
}
