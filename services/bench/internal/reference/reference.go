// Package reference finds a Python that can run the reference service, which is what Sepal is
// measured against: grpcio and scikit-learn as one would put them together, see service.py.
package reference

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/services/bench/internal/process"
)

//go:embed service.py
var service []byte

// Python is a Python that has what the reference service needs.
type Python struct {
	// Versions are those of Python and of the packages, for people.
	Versions string

	path, folder string
}

const probe = `import platform, grpc, google.protobuf, numpy, sklearn
print(f"Python {platform.python_version()}, grpcio {grpc.__version__}, protobuf {google.protobuf.__version__}, "
      f"numpy {numpy.__version__}, scikit-learn {sklearn.__version__}")`

// Find tries the Python at the path, or python3 where that is empty, and writes what the service
// needs to the folder. The error says why there is none.
func Find(ctx context.Context, path, folder string) (*Python, error) {
	if path == "" {
		path = "python3"
	}
	versions, err := exec.CommandContext(ctx, path, "-c", probe).Output()
	if err != nil {
		return nil, fmt.Errorf("no %s with grpcio and scikit-learn", path)
	}
	image, err := proto.Marshal(contract())
	if err != nil {
		return nil, err
	}
	p := &Python{Versions: strings.TrimSpace(string(versions)), path: path, folder: folder}
	if err := os.WriteFile(p.script(), service, 0o600); err != nil {
		return nil, err
	}
	return p, os.WriteFile(p.image(), image, 0o600)
}

func (p *Python) script() string { return filepath.Join(p.folder, "service.py") }
func (p *Python) image() string  { return filepath.Join(p.folder, "contract.binpb") }

// Command returns how to run the service on one processor.
func (p *Python) Command(cpu int) process.Command {
	return process.Command{
		Name: "the Python service", Path: p.path, Args: []string{p.script(), p.image()}, CPU: cpu,
		// On one processor, more threads of the numerics only get in each other's way.
		Env: []string{"OMP_NUM_THREADS=1", "OPENBLAS_NUM_THREADS=1"},
	}
}

// contract returns the file of the PredictionService and those that it needs, each after those
// that it needs itself.
func contract() *descriptorpb.FileDescriptorSet {
	set := new(descriptorpb.FileDescriptorSet)
	seen := make(map[string]bool)
	var add func(protoreflect.FileDescriptor)
	add = func(file protoreflect.FileDescriptor) {
		if seen[file.Path()] {
			return
		}
		seen[file.Path()] = true
		for i := range file.Imports().Len() {
			add(file.Imports().Get(i))
		}
		set.File = append(set.File, protodesc.ToFileDescriptorProto(file))
	}
	add(predictionv1.File_sepal_prediction_v1_prediction_service_proto)
	return set
}
