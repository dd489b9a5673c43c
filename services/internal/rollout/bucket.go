package rollout

import "strconv"

// Bucket returns the bucket of a subject, 0 to 9999: version 2 of GrowthBook's hash, so that its
// tools and ours divide the same subjects alike. It does not allocate.
func Bucket(seed, subject string) int {
	return bucketOf(fnv32a(fnvOffset, seed), subject)
}

// bucketOf goes on from the hash of the seed. The hash is hashed once more, as decimal digits:
// FNV alone spreads the last bytes too little, and seeds that differ a little would divide alike.
func bucketOf(seedHash uint32, subject string) int {
	var digits [10]byte
	decimal := strconv.AppendUint(digits[:0], uint64(fnv32a(seedHash, subject)), 10)
	return int(fnv32a(fnvOffset, decimal) % Buckets)
}

// fnvOffset is the FNV-1a hash of nothing.
const fnvOffset = 2166136261

// fnv32a goes on with the 32-bit FNV-1a hash of what came before text.
func fnv32a[T string | []byte](hash uint32, text T) uint32 {
	const prime = 16777619
	for i := range len(text) {
		hash = (hash ^ uint32(text[i])) * prime
	}
	return hash
}
