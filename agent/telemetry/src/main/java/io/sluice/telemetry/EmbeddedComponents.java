package io.sluice.telemetry;

import io.opentelemetry.common.ComponentLoader;
import io.opentelemetry.sdk.autoconfigure.spi.ConfigProperties;
import io.opentelemetry.sdk.autoconfigure.spi.traces.ConfigurableSpanExporterProvider;
import io.opentelemetry.sdk.common.export.HttpSenderProvider;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/**
 * What autoconfigure finds: the services of the agent's own loader, never of the program's, and our own parts, which are
 * made here rather than by a service file because they need the {@link HttpPost}.
 */
final class EmbeddedComponents implements ComponentLoader {
    private final ComponentLoader agents = ComponentLoader.forClassLoader(EmbeddedComponents.class.getClassLoader());
    private final HttpPost http;

    EmbeddedComponents(HttpPost http) {
        this.http = http;
    }

    @Override
    public <T> Iterable<T> load(Class<T> service) {
        List<T> found = new ArrayList<>();
        agents.load(service).forEach(found::add);
        if (service == HttpSenderProvider.class) {
            HttpSenderProvider sender = config -> new UrlConnectionSender(config, http);
            found.add(service.cast(sender));
        } else if (service == ConfigurableSpanExporterProvider.class) {
            found.add(service.cast(new NamedExporter("zipkin", config -> new ZipkinExporter(config, http))));
            found.add(service.cast(new NamedExporter("console", config -> new ConsoleExporter())));
        }
        return found;
    }

    private static final class NamedExporter implements ConfigurableSpanExporterProvider {
        private final String name;
        private final Function<ConfigProperties, SpanExporter> factory;

        NamedExporter(String name, Function<ConfigProperties, SpanExporter> factory) {
            this.name = name;
            this.factory = factory;
        }

        @Override
        public String getName() {
            return name;
        }

        @Override
        public SpanExporter createExporter(ConfigProperties config) {
            return factory.apply(config);
        }
    }
}
