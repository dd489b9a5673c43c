package flood

import (
	"bytes"
	"encoding/binary"

	"golang.org/x/net/http2/hpack"
)

const (
	frameHeader = 9
	preface     = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	// receiveWindow is how much the server may send ahead on a connection, and on a stream.
	receiveWindow = 1 << 28

	typeData, typeHeaders, typeReset, typeSettings byte = 0, 1, 3, 4
	typePing, typeGoAway, typeWindowUpdate         byte = 6, 7, 8

	flagEndStream, flagAck, flagEndHeaders byte = 1, 1, 4

	settingMaxStreams, settingWindow = 3, 4

	cancelled = 8 // an error code
)

func appendFrameHeader(to []byte, size int, kind, flags byte, id uint32) []byte {
	to = append(to, byte(size>>16), byte(size>>8), byte(size), kind, flags)
	return binary.BigEndian.AppendUint32(to, id)
}

func appendFrame(to []byte, kind, flags byte, id uint32, payload []byte) []byte {
	return append(appendFrameHeader(to, len(payload), kind, flags, id), payload...)
}

// appendMessage appends a message with its envelope, in frames of the size that every server takes, and
// the end of the stream.
func appendMessage(to, message []byte, id uint32) []byte {
	const most, envelope = 16 << 10, 5
	head := binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message)))
	for first := true; ; first = false {
		n, prefix := min(len(message), most), []byte(nil)
		if first {
			n, prefix = min(len(message), most-envelope), head
		}
		flags := byte(0)
		if n == len(message) {
			flags = flagEndStream
		}
		to = appendFrameHeader(to, len(prefix)+n, typeData, flags, id)
		to = append(append(to, prefix...), message[:n]...)
		if message = message[n:]; len(message) == 0 {
			return to
		}
	}
}

func appendSettings(to []byte) []byte {
	payload := binary.BigEndian.AppendUint16(nil, settingWindow)
	return appendFrame(to, typeSettings, 0, 0, binary.BigEndian.AppendUint32(payload, receiveWindow))
}

func appendWindowUpdate(to []byte, id, by uint32) []byte {
	return appendFrame(to, typeWindowUpdate, 0, id, binary.BigEndian.AppendUint32(nil, by))
}

func appendReset(to []byte, id uint32) []byte {
	return appendFrame(to, typeReset, 0, id, binary.BigEndian.AppendUint32(nil, cancelled))
}

// timeoutDigits is how many digits a grpc-timeout has here: as many as it may.
const timeoutDigits = 8

// headerBlock returns the headers of a request, and where in them the digits of its timeout stand.
func headerBlock(o Options) (block []byte, timeoutAt int) {
	var to bytes.Buffer
	e := hpack.NewEncoder(&to)
	e.SetMaxDynamicTableSize(0) // so that each request may have the same block
	for _, f := range []hpack.HeaderField{
		{Name: ":method", Value: "POST"},
		{Name: ":scheme", Value: "http"},
		{Name: ":path", Value: o.Path},
		{Name: ":authority", Value: o.Address},
		{Name: "content-type", Value: "application/grpc"},
		{Name: "user-agent", Value: "sepal-flood"},
		{Name: "te", Value: "trailers"},
	} {
		_ = e.WriteField(f) // a buffer takes all
	}
	// Literal, not to be indexed; name and value as they are.
	const name = "grpc-timeout"
	to.Write([]byte{0, byte(len(name))})
	to.WriteString(name)
	to.WriteByte(timeoutDigits + 1)
	timeoutAt = to.Len()
	to.WriteString("00000000u")
	return to.Bytes(), timeoutAt
}

func putDigits(to []byte, n int64) {
	for i := len(to) - 1; i >= 0; i-- {
		to[i] = byte('0' + n%10)
		n /= 10
	}
}
