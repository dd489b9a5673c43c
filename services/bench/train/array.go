package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"os"
	"strings"
)

// array is one to write as numpy's .npy, version 1: []float64, []int64 or []int32.
type array struct {
	values any
	shape  []int
}

func (a array) write(path string) error {
	kind := map[string]string{"[]float64": "<f8", "[]int64": "<i8", "[]int32": "<i4"}[fmt.Sprintf("%T", a.values)]
	shape := strings.Trim(strings.ReplaceAll(fmt.Sprint(a.shape), " ", ", "), "[]")
	header := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s,), }", kind, shape)
	// The values begin at a multiple of 64 bytes; 10 go before the header, and a line feed ends it.
	header += strings.Repeat(" ", 63-(10+len(header))%64) + "\n"
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	buffered := bufio.NewWriterSize(file, 1<<20)
	_, err = fmt.Fprintf(buffered, "\x93NUMPY\x01\x00%c%c%s", byte(len(header)), byte(len(header)>>8), header)
	if err == nil {
		err = binary.Write(buffered, binary.LittleEndian, a.values)
	}
	if err == nil {
		err = buffered.Flush()
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	return err
}
