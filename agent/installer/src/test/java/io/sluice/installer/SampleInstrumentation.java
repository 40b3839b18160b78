package io.sluice.installer;

import io.sluice.instrumentation.api.ClientInstrumentation;
import io.sluice.instrumentation.api.Hook;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/** An instrumentation that a test puts together. */
class SampleInstrumentation implements ClientInstrumentation {
    private final List<Hook> hooks;
    private List<String> helpers = Collections.emptyList();
    private List<String> opens = Collections.emptyList();
    private boolean support;

    SampleInstrumentation(Hook... hooks) {
        this.hooks = Arrays.asList(hooks);
    }

    static Hook hook(String type, String method, Class<?> advice) {
        return Hook.on(type).method(method).advice(advice.getName());
    }

    SampleInstrumentation helpers(Class<?>... classes) {
        helpers = new ArrayList<>();
        for (Class<?> one : classes) {
            helpers.add(one.getName());
        }
        return this;
    }

    SampleInstrumentation opens(String... packages) {
        opens = Arrays.asList(packages);
        return this;
    }

    SampleInstrumentation asSupport() {
        support = true;
        return this;
    }

    @Override
    public String client() {
        return support ? "sample-support" : "sample-client";
    }

    @Override
    public List<Hook> hooks() {
        return hooks;
    }

    @Override
    public List<String> helpers() {
        return helpers;
    }

    @Override
    public List<String> opens() {
        return opens;
    }

    @Override
    public boolean support() {
        return support;
    }
}
