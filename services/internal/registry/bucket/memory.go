package bucket

import (
	"context"
	"sync"

	"gocloud.dev/blob"
	"gocloud.dev/blob/memblob"
)

// memories are the buckets of memory by their names, for as long as the process lives.
var memories = sync.OnceValue(func() *sync.Map { return new(sync.Map) })

// inMemory is a bucket of memory.
type inMemory struct {
	bucket *blob.Bucket
	// writing is held by whoever replaces a file.
	writing sync.Mutex
}

func memory(name string) *inMemory {
	m, _ := memories().LoadOrStore(name, &inMemory{bucket: memblob.OpenBucket(nil)})
	return m.(*inMemory) //nolint:errcheck // Nothing else is stored.
}

// replace writes what may be written, since the caller holds the lock and has read the file.
func (m *inMemory) replace(ctx context.Context, key, tag string, data []byte) error {
	return m.bucket.WriteAll(ctx, key, data, &blob.WriterOptions{
		IfNotExist:                  tag == "",
		DisableContentTypeDetection: true,
	})
}
