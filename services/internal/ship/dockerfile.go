package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// dockerfile is where the image says how it is run. The image that is built without Docker takes it
// from there, so that the two cannot differ.
const dockerfile = "services/sepal/Dockerfile"

// instruction is a line of a Dockerfile, with those that continue it.
type instruction struct {
	line       int
	name, rest string
}

// parseDockerfile returns the instructions, of which heredocs are none.
func parseDockerfile(text string) ([]instruction, error) {
	var all []instruction
	open := false // the last one goes on
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		body, more := strings.CutSuffix(line, `\`)
		if open {
			last := &all[len(all)-1]
			last.rest = strings.TrimSpace(last.rest + " " + strings.TrimSpace(body))
		} else {
			name, rest, _ := strings.Cut(body, " ")
			if name != strings.ToUpper(name) {
				return nil, fmt.Errorf("%s:%d: %s is no instruction", dockerfile, i+1, name)
			}
			all = append(all, instruction{line: i + 1, name: name, rest: strings.TrimSpace(rest)})
		}
		open = more
	}
	if open {
		return nil, errors.New(dockerfile + ": the last line ends in a backslash")
	}
	return all, nil
}

// lastStage returns the instructions of the stage that is the image, after its FROM.
func lastStage(all []instruction) ([]instruction, error) {
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].name == "FROM" {
			if all[i].rest != "scratch" {
				return nil, fmt.Errorf("%s:%d: the image is from %s, expected scratch: what it is made of is built", dockerfile, all[i].line, all[i].rest)
			}
			return all[i+1:], nil
		}
	}
	return nil, errors.New(dockerfile + ": there is no FROM")
}

// readConfig returns how the image of the Dockerfile at path is run.
func readConfig(path string) (v1.Config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return v1.Config{}, err
	}
	return configOf(string(text))
}

func configOf(text string) (v1.Config, error) {
	config := v1.Config{Env: []string{"PATH=/"}, Labels: map[string]string{}, ExposedPorts: map[string]struct{}{}}
	all, err := parseDockerfile(text)
	if err != nil {
		return config, err
	}
	stage, err := lastStage(all)
	if err != nil {
		return config, err
	}
	copied := false
	for _, in := range stage {
		if in.name == "COPY" {
			if copied || in.rest != "--from=build /rootfs/ /" {
				return config, fmt.Errorf("%s:%d: COPY %s, expected COPY --from=build /rootfs/ / once: all files come from `ship root`", dockerfile, in.line, in.rest)
			}
			copied = true
			continue
		}
		if err := in.apply(&config); err != nil {
			return config, fmt.Errorf("%s:%d: %s: %w", dockerfile, in.line, in.name, err)
		}
	}
	if !copied {
		return config, errors.New(dockerfile + ": the last stage copies no /rootfs/")
	}
	return config, nil
}

func (in instruction) apply(config *v1.Config) error {
	switch in.name {
	case "ENV", "LABEL":
		return in.assign(config)
	case "USER":
		config.User = in.rest
	case "WORKDIR":
		config.WorkingDir = in.rest
	case "STOPSIGNAL":
		config.StopSignal = in.rest
	case "EXPOSE":
		config.ExposedPorts[in.rest+"/tcp"] = struct{}{}
	case "ENTRYPOINT":
		return json.Unmarshal([]byte(in.rest), &config.Entrypoint)
	case "CMD":
		return json.Unmarshal([]byte(in.rest), &config.Cmd)
	case "HEALTHCHECK":
		return in.health(config)
	default:
		return errors.New("is not expected in the last stage")
	}
	return nil
}

// assign adds a variable or a label, one to an instruction.
func (in instruction) assign(config *v1.Config) error {
	name, value, ok := strings.Cut(in.rest, "=")
	if !ok || name == "" || strings.ContainsAny(name, " \t") {
		return errors.New("expected NAME=VALUE")
	}
	if inner, quoted := strings.CutPrefix(value, `"`); quoted {
		if value, ok = strings.CutSuffix(inner, `"`); !ok || strings.ContainsAny(value, `"\$`) {
			return fmt.Errorf("the value of %s is quoted in a way that is not understood", name)
		}
	} else if strings.ContainsAny(value, " \t'\"\\$") {
		return fmt.Errorf("the value of %s needs quotes, one to an instruction", name)
	}
	if in.name == "ENV" {
		config.Env = append(config.Env, name+"="+value)
	} else {
		config.Labels[name] = value
	}
	return nil
}

func (in instruction) health(config *v1.Config) error {
	check := &v1.HealthConfig{Test: []string{"CMD"}}
	rest := in.rest
	for strings.HasPrefix(rest, "--") {
		var flag string
		flag, rest, _ = strings.Cut(rest, " ")
		rest = strings.TrimSpace(rest)
		name, value, _ := strings.Cut(flag, "=")
		length, err := time.ParseDuration(value)
		if err != nil {
			return err
		}
		switch name {
		case "--interval":
			check.Interval = length
		case "--timeout":
			check.Timeout = length
		case "--start-period":
			check.StartPeriod = length
		default:
			return errors.New(name + " is not understood")
		}
	}
	var command []string
	if err := json.Unmarshal([]byte(strings.TrimSpace(strings.TrimPrefix(rest, "CMD"))), &command); err != nil {
		return fmt.Errorf("expected CMD [\"COMMAND\", ...]: %w", err)
	}
	check.Test = append(check.Test, command...)
	config.Healthcheck = check
	return nil
}
