import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import java.util.Scanner;
import org.apache.kafka.common.config.ConfigTransformer;
import org.apache.kafka.common.config.provider.ConfigProvider;
import org.apache.kafka.common.config.provider.DirectoryConfigProvider;
import org.apache.kafka.common.config.provider.EnvVarConfigProvider;
import org.apache.kafka.common.config.provider.FileConfigProvider;

import static java.nio.charset.StandardCharsets.UTF_8;

/**
 * Resolves each line of standard input, a value in hexadecimal, with Kafka's config providers; prints what comes of it
 * in hexadecimal, or "error". Arguments: allowed.paths and allowlist.pattern.
 */
public final class ConfigReferences {
    public static void main(String[] args) {
        Map<String, String> paths = Map.of("allowed.paths", args[0]);
        Map<String, ConfigProvider> providers = Map.of(
                "env", new EnvVarConfigProvider(), "file", new FileConfigProvider(), "dir", new DirectoryConfigProvider());
        providers.get("env").configure(Map.of("allowlist.pattern", args[1]));
        providers.get("file").configure(paths);
        providers.get("dir").configure(paths);
        ConfigTransformer transformer = new ConfigTransformer(providers);
        HexFormat hex = HexFormat.of();
        Scanner lines = new Scanner(System.in);
        while (lines.hasNextLine()) {
            String value = new String(hex.parseHex(lines.nextLine()), UTF_8);
            try {
                System.out.println(hex.formatHex(transformer.transform(Map.of("o", value)).data().get("o").getBytes(UTF_8)));
            } catch (RuntimeException error) {
                System.out.println("error");
            }
        }
    }
}
