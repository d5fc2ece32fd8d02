// SPDX-License-Identifier: Apache-2.0

import java.io.FileInputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.TrustManagerFactory;

/** Client URL AUTHORITY 1.2|1.3: prints the answer as java.net.http reads it; exit status 0 only if it ended as it should. */
public class Client {
  public static void main(String[] arguments) throws Exception {
    KeyStore authorities = KeyStore.getInstance(KeyStore.getDefaultType());
    authorities.load(null, null);
    try (FileInputStream authority = new FileInputStream(arguments[1])) {
      authorities.setCertificateEntry("authority", CertificateFactory.getInstance("X.509").generateCertificate(authority));
    }
    TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(authorities);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, trust.getTrustManagers(), null);
    SSLParameters parameters = context.getDefaultSSLParameters();
    parameters.setProtocols(new String[] {"TLSv" + arguments[2]});

    HttpClient client = HttpClient.newBuilder().sslContext(context).sslParameters(parameters).build();
    HttpRequest request = HttpRequest.newBuilder(URI.create(arguments[0])).build();
    client.send(request, HttpResponse.BodyHandlers.ofInputStream()).body().transferTo(System.out);
    System.out.flush();
  }
}
