package scanner

import (
	"errors"
	"testing"
)

func TestNextMessage(t *testing.T) {
	two := append(message(1, 0, 7, []byte{1, 2, 3}), message(2, 0, 8)...)
	m, rest, ok, err := nextMessage(two)
	if !ok || err != nil || m.typ != 1 || m.seq != 7 || len(m.data) != 3 || cap(m.data) != 3 {
		t.Fatalf("first message %+v, %v, %v", m, ok, err)
	}
	m, rest, ok, err = nextMessage(rest)
	if !ok || err != nil || m.typ != 2 || len(m.data) != 0 || len(rest) != 0 {
		t.Fatalf("second message %+v, %v, %v", m, ok, err)
	}
	if _, _, ok, err = nextMessage(rest); ok || err != nil {
		t.Errorf("at the end: %v, %v", ok, err)
	}
	huge := message(1, 0, 0)
	copy(huge, []byte{0xff, 0xff, 0xff, 0xff})
	small := message(1, 0, 0)
	copy(small, nativeUint32(nlHeaderLen-1))
	for _, b := range [][]byte{huge, small, two[:nlHeaderLen+2], two[:5]} {
		if _, _, ok, err := nextMessage(b); ok || !errors.Is(err, errTruncated) {
			t.Errorf("nextMessage(% x) = %v, %v, want %v", b, ok, err, errTruncated)
		}
	}
}

func TestNextAttr(t *testing.T) {
	typ, v, rest, ok, err := nextAttr(attr(0x8005, 1, 2, 3, 4, 5)) // NLA_F_NESTED is no part of the type
	if !ok || err != nil || typ != 5 || len(v) != 5 || cap(v) != 5 || len(rest) != 0 {
		t.Errorf("nextAttr = %d % x, rest %d, %v, %v", typ, v, len(rest), ok, err)
	}
	for _, b := range [][]byte{{1}, {3, 0, 1, 0}, {9, 0, 1, 0, 1, 2, 3, 4}, {0, 0, 0, 0}} {
		if _, _, _, ok, err := nextAttr(b); ok || !errors.Is(err, errTruncated) {
			t.Errorf("nextAttr(% x) = %v, %v, want %v", b, ok, err, errTruncated)
		}
	}
}

func TestErrorCode(t *testing.T) {
	tests := []struct {
		typ  uint16
		data []byte
		want int
		err  error
	}{
		{nlError, nativeUint32(^uint32(1)), 2, nil}, // -ENOENT
		{nlDone, []byte{0, 0, 0, 0}, 0, nil},
		{nlDone, nil, 0, nil},
		{nlError, []byte{1}, 0, errTruncated},
	}
	for _, tt := range tests {
		m := nlMessage{typ: tt.typ, data: tt.data}
		if got, err := m.errorCode(); got != tt.want || err != tt.err {
			t.Errorf("errorCode(%d, % x) = %d, %v, want %d, %v", tt.typ, tt.data, got, err, tt.want, tt.err)
		}
	}
}
