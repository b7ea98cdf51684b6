package plugin

import "iter"

// Iteration is the part of KeyImpl that all iterations share.
type Iteration interface {
	// Seek begins an iteration before the first element of a value of type t, KeyEmpty for any aggregate; or after the
	// last element of a list, when back is set. It ends the iteration that is running.
	Seek(t KeyType, back bool) error
	// Next goes to the next element and sets Key.Cursor; false at the end, and when the iteration was cut off.
	Next() bool
	// Stop ends the iteration, if one is running.
	Stop()
}

// Cursor is where the iteration of a Key is, set by the host.
type Cursor struct {
	Elem   String  // of a list; the member of a set or a sorted set; the field of a hash
	Value  String  // of the field
	Score  float64 // of the member of a sorted set
	Index  int     // in a list
	Active bool    // there is a current member of a sorted set
	Moved  bool    // the last step in a sorted set has found a member
	Run    int     // number of the iteration
	Err    error   // why it did not begin or was cut off
}

// All iterates over an aggregate of any type:
//
//   - a list from head to tail: element, and a missing String;
//   - a set in no particular order: member, and a missing String;
//   - a hash in no particular order: field and value;
//   - a sorted set by ascending score: member, and a missing String; ZCurrent gives the score.
//
// The Strings are valid until the next step. An empty key has no elements, and neither has a string. See IterErr for
// iterations that end early.
func (k *Key) All() iter.Seq2[String, String] {
	return func(yield func(String, String) bool) { k.pairs(KeyEmpty, yield) }
}

// IterErr tells why the iteration that this key began last did not begin or ended before its last element, and nil when
// neither happened. A key has one iteration at a time, whichever method began it, and another one ends it. A write through
// the key ends it too: the next step finds no element, and IterErr returns ErrStale; SetString and SetValue, which replace
// the whole value, are refused instead. So collect first and write afterwards, or begin the iteration again after each
// write. Writes through other keys are fine.
//
// Errors: ErrStale after a write through the key; ErrType and ErrInvalid as from the method that began the iteration.
func (k *Key) IterErr() error {
	if k == nil {
		return nil
	}
	return k.Cursor.Err
}

// seek begins an iteration and returns its number.
func (k *Key) seek(t KeyType, back bool) (run int, ok bool) {
	if k == nil || k.Impl.Seek(t, back) != nil {
		return 0, false
	}
	return k.Cursor.Run, true
}

// next goes to the next element of an iteration, unless another one has ended it.
func (k *Key) next(run int) bool { return k.Cursor.Run == run && k.Impl.Next() }

func (k *Key) stop(run int) {
	if k.Cursor.Run == run {
		k.Impl.Stop()
	}
}

func (k *Key) pairs(t KeyType, yield func(String, String) bool) {
	run, ok := k.seek(t, false)
	if !ok {
		return
	}
	defer k.stop(run)
	for k.next(run) {
		if !yield(k.Cursor.Elem, k.Cursor.Value) {
			return
		}
	}
}
