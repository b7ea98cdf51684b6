package plugin

import "iter"

// ZFlags are conditions for ZAdd and ZIncrBy, and what came of them.
type ZFlags uint8

// Conditions and results of ZAdd and ZIncrBy.
const (
	ZXX      ZFlags = 1 << iota // condition: only change members that exist
	ZNX                         // condition: only add new members
	ZAdded                      // result: the member is new
	ZUpdated                    // result: the score has changed
	ZNop                        // result: a condition held it back
	ZGT                         // condition: only change a score to a greater one
	ZLT                         // condition: only change a score to a lower one
)

// ScoreRange is a range of scores. Both ends belong to it, unless MinEx or MaxEx takes them out; math.Inf makes it open.
type ScoreRange struct {
	Min, Max     float64
	MinEx, MaxEx bool
}

// LexRange is a range of members of a sorted set in which all scores are equal, so that it is ordered bytewise. The ends
// are written as for ZRANGEBYLEX: "-" and "+" for before and after everything, "[a" for a itself, "(a" without a.
type LexRange struct{ Min, Max String }

// ZSetMembers is the part of KeyImpl for sorted sets.
type ZSetMembers interface {
	ZAdd(score float64, m []byte, flags ZFlags, incr bool) (ZFlags, float64, error)
	ZRem(m []byte) (bool, error)
	ZScore(m []byte) (float64, error)
	ZRank(m []byte) (int, error)

	// ZSeek and ZSeekLex begin an iteration on the first member of a range, or on the last one, and set Key.Cursor.
	ZSeek(r ScoreRange, last bool) error
	ZSeekLex(r LexRange, last bool) error
	// ZStep goes to the neighbour after or before the current member and sets Key.Cursor.
	ZStep(back bool) bool
}

// ZAdd adds a member to a sorted set or changes its score, and creates the sorted set when the key is empty. The result is
// ZAdded, ZUpdated, ZNop, or 0 when the score was this one before. With ZXX nothing is created. ZGT and ZLT do not keep
// new members out. m is copied.
//
// Errors: ErrNotWritable; ErrType; ErrNotNumber, which is ErrInvalid, for a score that is NaN; ErrInvalid for ZNX with
// another condition, ZGT with ZLT, and flags that are no conditions. After an error nothing has changed.
func (k *Key) ZAdd(score float64, m []byte, flags ZFlags) (ZFlags, error) {
	if k == nil {
		return 0, ErrNotWritable
	}
	result, _, err := k.Impl.ZAdd(score, m, flags, false)
	return result, err
}

// ZIncrBy is ZAdd that adds to the score; a member that does not exist has 0. It returns the new score, or with ZNop the
// one that the member keeps, 0 for no member.
//
// Errors: those of ZAdd; ErrNotNumber also when the sum is NaN, as that of both infinities is.
func (k *Key) ZIncrBy(delta float64, m []byte, flags ZFlags) (score float64, result ZFlags, err error) {
	if k == nil {
		return 0, 0, ErrNotWritable
	}
	result, score, err = k.Impl.ZAdd(delta, m, flags, true)
	return score, result, err
}

// ZRem removes a member and reports whether it was there. An empty key has no members. The key goes with the last member.
//
// Errors: ErrNotWritable; ErrType.
func (k *Key) ZRem(m []byte) (bool, error) {
	if k == nil {
		return false, ErrNotWritable
	}
	return k.Impl.ZRem(m)
}

// ZScore returns the score of a member.
//
// Errors: ErrNoElement; ErrEmptyKey; ErrType.
func (k *Key) ZScore(m []byte) (float64, error) {
	if k == nil {
		return 0, ErrEmptyKey
	}
	return k.Impl.ZScore(m)
}

// ZRank returns how many members come before this one, by score and then bytewise. Counted from the end it is
// Len()-1-rank. It costs O(log n).
//
// Errors: ErrNoElement; ErrEmptyKey; ErrType.
func (k *Key) ZRank(m []byte) (int, error) {
	if k == nil {
		return 0, ErrEmptyKey
	}
	return k.Impl.ZRank(m)
}

// ZFirst begins an iteration on the first member with a score in the range; for a loop over it ZRange is shorter. When the
// range is empty, ZEndReached is true and there is no current member.
//
//	if err := k.ZFirst(r); err != nil {
//		return err
//	}
//	for !k.ZEndReached() {
//		member, score, _ := k.ZCurrent()
//		// ...
//		k.ZNext()
//	}
//	k.ZStop()
//
// See IterErr for what ends it early.
//
// Errors: ErrEmptyKey; ErrType; ErrNotNumber, which is ErrInvalid, for an end that is NaN.
func (k *Key) ZFirst(r ScoreRange) error { return k.zseek(r, false) }

// ZLast is ZFirst for the last member with a score in the range; ZPrev is the step to go on with.
func (k *Key) ZLast(r ScoreRange) error { return k.zseek(r, true) }

func (k *Key) zseek(r ScoreRange, last bool) error {
	if k == nil {
		return ErrEmptyKey
	}
	return k.Impl.ZSeek(r, last)
}

// ZFirstLex is ZFirst for a range of members. The ends are copied.
//
// Errors: ErrEmptyKey; ErrType; ErrInvalid for ends that are not written as LexRange says.
func (k *Key) ZFirstLex(r LexRange) error { return k.zseekLex(r, false) }

// ZLastLex is ZFirstLex for the last member in the range; ZPrev is the step to go on with.
func (k *Key) ZLastLex(r LexRange) error { return k.zseekLex(r, true) }

func (k *Key) zseekLex(r LexRange, last bool) error {
	if k == nil {
		return ErrEmptyKey
	}
	return k.Impl.ZSeekLex(r, last)
}

// ZCurrent returns the current member and its score; false without one. The String is valid until the next step.
func (k *Key) ZCurrent() (member String, score float64, ok bool) {
	if k == nil || !k.Cursor.Active {
		return String{}, 0, false
	}
	return k.Cursor.Elem, k.Cursor.Score, true
}

// ZNext goes to the member after the current one. It reports false, and stays, when that one is missing or above the
// range; the lower end of the range does not matter. It does nothing without a current member.
func (k *Key) ZNext() bool { return k != nil && k.Impl.ZStep(false) }

// ZPrev goes to the member before the current one. It reports false, and stays, when that one is missing or below the
// range; the upper end of the range does not matter. It does nothing without a current member.
func (k *Key) ZPrev() bool { return k != nil && k.Impl.ZStep(true) }

// ZEndReached reports whether the last step has found no member; a step in the other direction may find one again. It is
// true for an empty range and without an iteration.
func (k *Key) ZEndReached() bool { return k == nil || !k.Cursor.Moved }

// ZStop ends the iteration; there is no current member afterwards. It is never required and does no harm without an
// iteration.
func (k *Key) ZStop() {
	if k != nil {
		k.Impl.Stop()
	}
}

// ZRange iterates over the members with scores in the range, in ascending order: member, which is valid until the next
// step, and score. An empty key has no members, and neither has a key of another type. See IterErr for iterations that do
// not begin or end early.
func (k *Key) ZRange(r ScoreRange) iter.Seq2[String, float64] {
	return func(yield func(String, float64) bool) {
		if k.zseek(r, false) == nil {
			k.scored(false, yield)
		}
	}
}

// ZRevRange is ZRange in descending order.
func (k *Key) ZRevRange(r ScoreRange) iter.Seq2[String, float64] {
	return func(yield func(String, float64) bool) {
		if k.zseek(r, true) == nil {
			k.scored(true, yield)
		}
	}
}

// ZRangeLex is ZRange for a range of members.
func (k *Key) ZRangeLex(r LexRange) iter.Seq2[String, float64] {
	return func(yield func(String, float64) bool) {
		if k.zseekLex(r, false) == nil {
			k.scored(false, yield)
		}
	}
}

// ZRevRangeLex is ZRangeLex in descending order.
func (k *Key) ZRevRangeLex(r LexRange) iter.Seq2[String, float64] {
	return func(yield func(String, float64) bool) {
		if k.zseekLex(r, true) == nil {
			k.scored(true, yield)
		}
	}
}

// scored goes through an iteration that has begun.
func (k *Key) scored(back bool, yield func(String, float64) bool) {
	run := k.Cursor.Run
	defer k.stop(run)
	for more := k.Cursor.Moved; more; more = k.Cursor.Run == run && k.Impl.ZStep(back) {
		if !yield(k.Cursor.Elem, k.Cursor.Score) {
			return
		}
	}
}
