package samplelib.client.impl;

import samplelib.core.Wire;

/** A class of a client library that is hooked. */
public class SamplePoolManager {
    /** Takes a wire of this name. */
    public Wire take(String name) {
        return new Wire(name);
    }
}
