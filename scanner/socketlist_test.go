package scanner

import (
	"net/netip"
	"reflect"
	"testing"
)

func TestSocketList(t *testing.T) {
	for _, n := range []int{0, 1, pieceLen - 1, pieceLen, pieceLen + 1, 3*pieceLen + 7} {
		for _, keep := range []int{n, n / 2, 0, min(n, pieceLen)} {
			var l socketList
			for i := range n {
				l.add(&Socket{Inode: uint64(i)})
			}
			l.truncate(keep)
			l.add(&Socket{Inode: uint64(keep)}) // goes on where it was cut
			got := joinLists(&l)
			if len(got) != keep+1 {
				t.Fatalf("%d cut to %d and one more: %d sockets", n, keep, len(got))
			}
			for i := range got {
				if got[i].Inode != uint64(i) {
					t.Fatalf("%d cut to %d: socket %d at %d", n, keep, got[i].Inode, i)
				}
			}
		}
	}
}

// A list gives back whatever a socket has.
func TestPack(t *testing.T) {
	fields := reflect.TypeFor[Socket]()
	for i := range fields.NumField() {
		var s Socket
		fill(t, reflect.ValueOf(&s).Elem().Field(i))
		for _, s.Namespace = range []string{s.Namespace, OwnNamespace} {
			var list socketList
			list.add(&s)
			if got := joinLists(&list); len(got) != 1 || !reflect.DeepEqual(got[0], s) {
				t.Errorf("%s: %+v, want %+v", fields.Field(i).Name, got, s)
			}
		}
	}
}

// fill gives v a value other than the zero one.
func fill(t *testing.T, v reflect.Value) {
	t.Helper()
	switch x := v.Addr().Interface().(type) {
	case *netip.Addr:
		*x = netip.MustParseAddr("fe80::1%eth0")
	case *Queue:
		*x = Queue{1, 2, 3}
	default:
		switch v.Kind() {
		case reflect.Bool:
			v.SetBool(true)
		case reflect.String:
			v.SetString("text")
		case reflect.Uint8, reflect.Uint16, reflect.Uint64:
			v.SetUint(200)
		case reflect.Int64:
			v.SetInt(-1)
		case reflect.Pointer:
			v.Set(reflect.New(v.Type().Elem()))
		case reflect.Slice:
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		default:
			t.Fatalf("no value for a %v", v.Type())
		}
	}
}

// Many sockets come by their ports, those of one port in the order in which they
// were found.
func TestJoinByPort(t *testing.T) {
	var one, other socketList
	for i := range 2 * manySockets {
		one.add(&Socket{Port: uint16(i * 7919), Inode: uint64(i)})
		other.add(&Socket{Port: uint16(i * 7919), Inode: uint64(i), Cookie: 1})
	}
	last := Socket{}
	for i, s := range joinLists(&one, &other) {
		if s.Port != uint16(s.Inode*7919) || s.Port < last.Port || s.Port == last.Port && s.Cookie < last.Cookie {
			t.Fatalf("socket %d is %+v, after %+v", i, s, last)
		}
		last = s
	}
}
