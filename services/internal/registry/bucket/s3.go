package bucket

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/logging"
	"gocloud.dev/blob"
	"gocloud.dev/blob/s3blob"
	"gocloud.dev/gcerrors"
)

// onS3 is a bucket of S3.
type onS3 struct {
	bucket *blob.Bucket
	client *s3.Client
}

func openS3(ctx context.Context, u *url.URL) (*onS3, error) {
	opener := new(s3blob.URLOpener)
	b, err := opener.OpenBucketURL(ctx, u)
	if err != nil {
		// What comes before the reason is the URL with its parameters.
		return nil, fmt.Errorf("the bucket cannot be opened: %s", strings.TrimPrefix(err.Error(), "open bucket "+u.String()+": "))
	}
	var client *s3.Client
	if !b.As(&client) {
		return nil, errors.New("the bucket is none of S3")
	}
	if client.Options().Region == "" {
		return nil, errors.New("the region of the bucket is unknown; add ?region=REGION, or set AWS_REGION")
	}
	// The client would write warnings of its own to the standard error.
	client = s3.New(client.Options(), func(o *s3.Options) { o.Logger = logging.Nop{} })
	if b, err = s3blob.OpenBucket(ctx, client, u.Host, &opener.Options); err != nil {
		return nil, err
	}
	return &onS3{bucket: b, client: client}, nil
}

// writerKey names the metadata that tell who wrote an object.
const writerKey = "sepal-write"

// replace writes an object in the place of the one with the tag, or of none where it is empty.
func (b *onS3) replace(ctx context.Context, key, tag string, data []byte) error {
	put, err := b.request(ctx, key, data)
	if err != nil {
		return err
	}
	id := rand.Text()
	put.Metadata = map[string]string{writerKey: id}
	if tag == "" {
		put.IfNoneMatch = aws.String("*")
	} else {
		put.IfMatch = aws.String(tag)
	}
	_, err = b.client.PutObject(ctx, put)
	if kind(err) != gcerrors.FailedPrecondition {
		return err
	}
	// When an answer was lost, the client has asked again by itself, and found what it wrote.
	written, attributesErr := b.bucket.Attributes(ctx, key)
	if attributesErr == nil && written.Metadata[writerKey] == id {
		return nil
	}
	return err
}

// errTaken stops a writer that has told what it would send.
var errTaken = errors.New("the request was taken")

// request returns the request that the bucket would write an object by, with the name of the key
// on S3 and the encryption that the URL of the bucket asks for. It is not left to the bucket to
// send it, which sends what is large in parts: not every server heeds a condition then.
func (b *onS3) request(ctx context.Context, key string, data []byte) (*s3.PutObjectInput, error) {
	var upload *transfermanager.UploadObjectInput
	_, err := b.bucket.NewWriter(ctx, key, &blob.WriterOptions{
		ContentType: "application/octet-stream",
		BeforeWrite: func(as func(any) bool) error {
			if !as(&upload) {
				return errors.New("the bucket does not tell its requests")
			}
			return errTaken
		},
	})
	if !errors.Is(err, errTaken) {
		return nil, errors.Join(err, ctx.Err())
	}
	return &s3.PutObjectInput{
		Bucket:               upload.Bucket,
		Key:                  upload.Key,
		ContentType:          upload.ContentType,
		ServerSideEncryption: types.ServerSideEncryption(upload.ServerSideEncryption),
		SSEKMSKeyId:          upload.SSEKMSKeyID,
		Body:                 bytes.NewReader(data),
	}, nil
}
