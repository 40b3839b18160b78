package io.sluice.instrumentation.apachehttpclient40;

class BasicContractTest extends KindContract {
    BasicContractTest() {
        super(Kind.BASIC);
    }
}
