package plugintest

import (
	"fmt"
	"math"
	"math/big"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"datastore/plugin"
	"datastore/server/resp"
)

// Replies and expectations are compared in the form in which messages show them, so that a difference can always be seen:
//
//	nil   5   "text"   1.5   true   big 5   [1 "a"]   set[1 "a"]   map["k":1]   error "ERR text"
//
// Doubles always have a point, an exponent or letters. The elements of sets and maps are sorted.

// show returns that form of a Go value.
func show(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "nil", nil
	case error:
		return showError(v.Error()), nil
	case []byte:
		return strconv.Quote(string(v)), nil
	case plugin.String:
		return strconv.Quote(v.String()), nil
	case *big.Int:
		return "big " + v.String(), nil
	case Set:
		list, err := showList(reflect.ValueOf([]any(v)))
		return showSet(list), err
	}
	rv := reflect.ValueOf(v)
	switch {
	case rv.CanInt():
		return strconv.FormatInt(rv.Int(), 10), nil
	case rv.CanUint():
		return strconv.FormatUint(rv.Uint(), 10), nil
	case rv.CanFloat():
		return showFloat(rv.Float()), nil
	}
	switch rv.Kind() {
	case reflect.String:
		return strconv.Quote(rv.String()), nil
	case reflect.Bool:
		return strconv.FormatBool(rv.Bool()), nil
	case reflect.Slice, reflect.Array:
		list, err := showList(rv)
		return "[" + strings.Join(list, " ") + "]", err
	case reflect.Map:
		return showGoMap(rv)
	}
	return "", fmt.Errorf("no reply can be a %T", v)
}

func showList(v reflect.Value) ([]string, error) {
	list := make([]string, v.Len())
	for i := range list {
		var err error
		if list[i], err = show(v.Index(i).Interface()); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func showGoMap(v reflect.Value) (string, error) {
	var entries []string
	for it := v.MapRange(); it.Next(); {
		key, err := show(it.Key().Interface())
		if err != nil {
			return "", err
		}
		value, err := show(it.Value().Interface())
		if err != nil {
			return "", err
		}
		entries = append(entries, key+":"+value)
	}
	return showMap(entries), nil
}

// showValue returns that form of a reply.
func showValue(v *resp.Value) string {
	switch v.Kind {
	case resp.KindNull:
		return "nil"
	case resp.KindInt:
		return strconv.FormatInt(v.Int, 10)
	case resp.KindBool:
		return strconv.FormatBool(v.Int == 1)
	case resp.KindDouble:
		f, _ := v.Float()
		return showFloat(f)
	case resp.KindBigNumber:
		return "big " + string(v.Str)
	case resp.KindError, resp.KindBulkError:
		return showError(string(v.Str))
	case resp.KindArray, resp.KindPush:
		return "[" + strings.Join(showValues(v.Elems), " ") + "]"
	case resp.KindSet:
		return showSet(showValues(v.Elems))
	case resp.KindMap:
		list := showValues(v.Elems)
		entries := make([]string, 0, len(list)/2)
		for i := 0; i+1 < len(list); i += 2 {
			entries = append(entries, list[i]+":"+list[i+1])
		}
		return showMap(entries)
	}
	return strconv.Quote(string(v.Str))
}

func showValues(values []resp.Value) []string {
	list := make([]string, len(values))
	for i := range values {
		list[i] = showValue(&values[i])
	}
	return list
}

func showError(text string) string { return "error " + strconv.Quote(text) }

func showSet(list []string) string {
	slices.Sort(list)
	return "set[" + strings.Join(list, " ") + "]"
}

func showMap(entries []string) string {
	slices.Sort(entries)
	return "map[" + strings.Join(entries, " ") + "]"
}

func showFloat(f float64) string {
	switch {
	case math.IsInf(f, 0) || math.IsNaN(f):
		return strings.ToLower(strings.TrimPrefix(strconv.FormatFloat(f, 'g', -1, 64), "+"))
	case f == math.Trunc(f) && math.Abs(f) < 1e15:
		return strconv.FormatFloat(f, 'f', 1, 64)
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}

// quoteCommand shows a command on one line; words with anything but visible ASCII are quoted.
func quoteCommand(args []string) string {
	words := make([]string, len(args))
	for i, a := range args {
		words[i] = a
		if a == "" || strings.ContainsFunc(a, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' }) {
			words[i] = strconv.Quote(a)
		}
	}
	return strings.Join(words, " ")
}
