package deploy_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
)

// TestProbesInClearText asks as the kubelet does where there is no TLS.
func TestProbesInClearText(t *testing.T) {
	t.Parallel()
	server := replicas(t, nil, "127.0.0.1")[0]
	connection, err := grpc.NewClient(net.JoinHostPort(server.address, server.port), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	response, err := grpc_health_v1.NewHealthClient(connection).Check(t.Context(), new(grpc_health_v1.HealthCheckRequest))
	if err != nil || response.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING {
		t.Errorf("got %v, %v", response, err)
	}
}

// TestProbesInProduction asks a server that has the settings of production, but for where its
// files are, as the kubelet and Prometheus do: by HTTPS, and only Prometheus says who it is.
func TestProbesInProduction(t *testing.T) {
	t.Parallel()
	production := rendered(t, "overlays/production")
	folder := t.TempDir()
	writeCertificate(t, folder)
	bearer := func(name, scopes string) string {
		t.Helper()
		token, err := exec.CommandContext(t.Context(), sepal(t), "token", "new", name, "--scopes", scopes, "--file", filepath.Join(folder, "principals")).Output()
		if err != nil {
			t.Fatal(err)
		}
		return "Bearer " + strings.TrimSpace(string(token))
	}
	ada, prometheus := bearer("ada", "predict"), bearer("prometheus", "read")
	var environment []string
	for name, value := range settings(t, production) {
		switch {
		case strings.HasPrefix(value, "/etc/sepal/"):
			value = filepath.Join(folder, filepath.Base(value))
		case name == "HOST", name == "PORT", name == "MODEL_PATH", strings.HasPrefix(name, "AWS_"):
			continue
		}
		environment = append(environment, name+"="+value)
	}
	server := replicas(t, environment, "127.0.0.1")[0]
	// The kubelet does not check certificates either.
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	t.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Transport: transport}
	ask := func(method, path, authorization, body string) (int, string) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), method, "https://"+net.JoinHostPort(server.address, server.port)+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		if authorization != "" {
			request.Header.Set("Authorization", authorization)
		}
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, string(text)
	}
	_, c := container(t, production)
	for _, path := range []string{c.StartupProbe.HTTPGet.Path, c.ReadinessProbe.HTTPGet.Path, c.LivenessProbe.HTTPGet.Path} {
		if code, text := ask(http.MethodGet, path, "", ""); code != http.StatusOK {
			t.Errorf("%s: %d %.200s", path, code, text)
		}
	}
	if code, text := ask(http.MethodGet, "/metrics", prometheus, ""); code != http.StatusOK || !strings.Contains(text, "sepal_ready 1\n") {
		t.Errorf("Prometheus gets %d %.200s", code, text)
	}
	const path, row = "/sepal.prediction.v1.PredictionService/Predict", `{"features":[5.1,3.5,1.4,0.2]}`
	if code, text := ask(http.MethodPost, path, "", row); code != http.StatusUnauthorized {
		t.Errorf("somebody unknown gets %d %s", code, text)
	}
	if code, text := ask(http.MethodPost, path, ada, row); code != http.StatusOK || !strings.Contains(text, `"setosa"`) {
		t.Errorf("ada gets %d %s", code, text)
	}
}

// writeCertificate writes tls.crt and tls.key, for an hour.
func writeCertificate(t *testing.T, folder string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "sepal"}, DNSNames: []string{"sepal.sepal.svc"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"tls.crt": {Type: "CERTIFICATE", Bytes: certificate}, "tls.key": {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(filepath.Join(folder, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
